UPDATE users SET sort = 'new' WHERE id = 2;
