ALTER TABLE users ADD COLUMN plan text NOT NULL DEFAULT 'none'; CREATE INDEX users_plan ON users (plan);
