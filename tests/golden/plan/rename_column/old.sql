INSERT INTO names VALUES ('o1'), ('o2'), ('n1'), ('n2'); UPDATE users SET name = 'o1' WHERE id = 1; INSERT INTO users VALUES (100, 'o2', 1, NULL)
