CREATE TABLE users (id bigint PRIMARY KEY, name varchar(40) NOT NULL, amount int NOT NULL DEFAULT 0, note text);
INSERT INTO users SELECT i, $$u$$ || i, i, CASE WHEN i % 2 = 0 THEN $$n$$ || i END FROM generate_series(1, 40) i;
