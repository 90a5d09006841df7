SELECT id, title FROM p WHERE id IN (1, 2, 11, 12, 30, 31) ORDER BY id
