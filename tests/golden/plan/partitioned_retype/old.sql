UPDATE m SET qty = 77 WHERE id = 1
