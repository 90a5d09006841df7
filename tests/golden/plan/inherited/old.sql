UPDATE p SET name = 'old' WHERE id IN (1, 11); INSERT INTO c VALUES (30, 'oc', 1)
