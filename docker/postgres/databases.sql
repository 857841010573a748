-- Run once, while the volume is empty: both databases, and an account that owns them and nothing else.
\getenv password POSTGRES_PASSWORD
CREATE ROLE hotline LOGIN PASSWORD :'password';
CREATE DATABASE hotline OWNER hotline;
CREATE DATABASE hotline_ledger OWNER hotline;
-- The superuser comes in from inside the container alone.
ALTER ROLE postgres PASSWORD NULL;
