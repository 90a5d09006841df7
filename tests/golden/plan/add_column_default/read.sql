SELECT kind, count(*) FROM users GROUP BY 1
