UPDATE users SET bio = 'x' WHERE id = 1
