SELECT id, letter, rest FROM users WHERE id IN (1, 2, 100, 101) ORDER BY id
