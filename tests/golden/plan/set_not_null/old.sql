INSERT INTO users VALUES (100, 'o', 1, NULL); UPDATE users SET note = NULL WHERE id = 2
