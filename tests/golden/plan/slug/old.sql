INSERT INTO posts VALUES (91, 'Old Hand'); UPDATE posts SET title = 'Changed Title' WHERE id = 1
