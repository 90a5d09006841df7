CREATE TABLE users (id bigint PRIMARY KEY, name varchar(40) NOT NULL, amount int NOT NULL DEFAULT 0, note text);
INSERT INTO users SELECT i, $$u$$ || i, i, CASE WHEN i % 2 = 0 THEN $$n$$ || i END FROM generate_series(1, 40) i;
CREATE INDEX users_name ON users (name);
CREATE VIEW shown WITH (security_barrier = true) AS SELECT id, name FROM users; COMMENT ON VIEW shown IS 'v'; GRANT SELECT ON shown TO PUBLIC;
CREATE VIEW above AS SELECT upper(name) AS big FROM shown;
