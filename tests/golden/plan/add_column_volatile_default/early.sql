UPDATE users SET amount = 5 WHERE id = 3; INSERT INTO users VALUES (100, 'late', 1, NULL)
