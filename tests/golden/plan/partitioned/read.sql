SELECT id, at, title, w FROM m WHERE id IN (1, 2, 3, 100, 101) ORDER BY id
