SELECT id, slug FROM posts WHERE id IN (1, 2, 3, 90, 91, 92) ORDER BY id
