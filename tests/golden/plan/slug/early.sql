INSERT INTO posts VALUES (90, 'Early Bird')
