CREATE TABLE users (id bigint PRIMARY KEY, name varchar(40) NOT NULL, amount int NOT NULL DEFAULT 0, note text);
INSERT INTO users SELECT i, $$u$$ || i, i, CASE WHEN i % 2 = 0 THEN $$n$$ || i END FROM generate_series(1, 40) i;
CREATE INDEX users_name ON users (lower(name) text_pattern_ops DESC) INCLUDE (note) WHERE name <> '';
CREATE UNIQUE INDEX users_name_amount ON users (name, amount);
ALTER TABLE users ADD CONSTRAINT long_enough CHECK (length(name) > 0);
CREATE TABLE names (name varchar(40) PRIMARY KEY); INSERT INTO names SELECT name FROM users;
ALTER TABLE users ADD CONSTRAINT known FOREIGN KEY (name) REFERENCES names ON UPDATE CASCADE;
CREATE VIEW shown AS SELECT id, name FROM users;
COMMENT ON COLUMN users.name IS 'label'; ALTER TABLE users ALTER name SET STATISTICS 77;
