UPDATE users SET name = 'xyz' WHERE id = 1; INSERT INTO users VALUES (100, 'old', 1, NULL)
