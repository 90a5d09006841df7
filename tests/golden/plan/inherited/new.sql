UPDATE p SET title = 'new' WHERE id IN (2, 12); INSERT INTO c (id, title) VALUES (31, 'nc')
