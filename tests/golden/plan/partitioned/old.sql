UPDATE m SET label = 'old' WHERE id = 1; UPDATE m SET at = '2021-03-03' WHERE id = 2; INSERT INTO m VALUES (100, '2020-02-02', 9, 'o')
