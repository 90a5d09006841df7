UPDATE users SET amount = 7 WHERE id = 1
