SELECT sum(qty) FROM m
