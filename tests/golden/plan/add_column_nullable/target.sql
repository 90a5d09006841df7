ALTER TABLE users ADD COLUMN bio text COLLATE "C"; COMMENT ON COLUMN users.bio IS E'it''s \\ about them';
