UPDATE users SET amount = 7 WHERE id = 1; INSERT INTO users VALUES (100, 'o', 9, NULL)
