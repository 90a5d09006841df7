INSERT INTO users VALUES (100, 'a', 21, NULL), (101, 'b', 1, NULL); UPDATE users SET amount = 50 WHERE id = 2
