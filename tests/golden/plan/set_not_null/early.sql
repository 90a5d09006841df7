UPDATE users SET amount = 9 WHERE id = 1; INSERT INTO users VALUES (99, 'e', 1, NULL)
