SELECT count(DISTINCT token) FROM users
