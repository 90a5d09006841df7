INSERT INTO posts VALUES (92, 'New Hand', 'mine'); UPDATE posts SET slug = 'own' WHERE id = 2
