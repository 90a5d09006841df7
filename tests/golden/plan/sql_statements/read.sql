SELECT count(*) FILTER (WHERE seen), sum(amount) FROM users
