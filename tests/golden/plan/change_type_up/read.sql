SELECT amount FROM users WHERE id < 4 ORDER BY id
