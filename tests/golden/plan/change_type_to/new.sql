UPDATE users SET cents = 850 WHERE id = 2; INSERT INTO users (id, name, cents) VALUES (101, 'n', 1234)
