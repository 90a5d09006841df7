INSERT INTO users (id, name, plan) VALUES (102, 'c', 'team'); UPDATE users SET plan = 'gold' WHERE id = 3; UPDATE users SET amount = 90, plan = 'own' WHERE id = 4
