CREATE TABLE posts (id int PRIMARY KEY, title text NOT NULL);
INSERT INTO posts SELECT i, 'Post No ' || i FROM generate_series(1, 30) i;
