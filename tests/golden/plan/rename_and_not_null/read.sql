SELECT id, remark FROM users WHERE id IN (1, 2, 100, 101, 102) ORDER BY id
