UPDATE users SET amount = 100 WHERE id = 1
