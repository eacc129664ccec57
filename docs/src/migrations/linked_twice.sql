SELECT oauth_name, account_id, count(*) AS links
FROM oauth_account
GROUP BY oauth_name, account_id
HAVING count(*) > 1;
