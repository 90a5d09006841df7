UPDATE users SET kind = 'old' WHERE id = 1;
