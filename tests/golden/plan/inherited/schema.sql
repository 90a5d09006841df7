CREATE TABLE p (id int PRIMARY KEY, name text); CREATE TABLE c (extra int) INHERITS (p);
INSERT INTO p SELECT i, 'p' || i FROM generate_series(1, 10) i; INSERT INTO c SELECT i, 'c' || i, i FROM generate_series(11, 20) i;
