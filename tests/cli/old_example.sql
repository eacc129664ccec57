-- What the framework's example of 9.0 has left on SQLite: a user, and one with an OAuth account.
CREATE TABLE user (
	id CHAR(36) NOT NULL,
	email VARCHAR(320) NOT NULL,
	hashed_password VARCHAR(72) NOT NULL,
	is_active BOOLEAN NOT NULL,
	is_superuser BOOLEAN NOT NULL,
	is_verified BOOLEAN NOT NULL,
	PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_user_email ON user (email);
CREATE TABLE oauth_account (
	id CHAR(36) NOT NULL,
	oauth_name VARCHAR(100) NOT NULL,
	access_token VARCHAR(1024) NOT NULL,
	expires_at INTEGER,
	refresh_token VARCHAR(1024),
	account_id VARCHAR(320) NOT NULL,
	account_email VARCHAR(320) NOT NULL,
	user_id CHAR(36) NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE cascade
);
-- The password is "password".
INSERT INTO user VALUES
	('5f0b8a86-6f4b-4d6e-9f3e-0d7f4b7f6a01', 'Ada@example.com', '$2b$04$PhhIVZ/HRLZpvOEek8vofeBSJbh9SLqnQA5Z2uNWlaA0Vt70kTMYG', 1, 0, 0),
	('5f0b8a86-6f4b-4d6e-9f3e-0d7f4b7f6a02', 'grace@example.com', '$2b$04$PhhIVZ/HRLZpvOEek8vofeBSJbh9SLqnQA5Z2uNWlaA0Vt70kTMYG', 1, 0, 1);
INSERT INTO oauth_account VALUES
	('5f0b8a86-6f4b-4d6e-9f3e-0d7f4b7f6a03', 'google', 'token', NULL, NULL, 'g-2', 'grace@example.com', '5f0b8a86-6f4b-4d6e-9f3e-0d7f4b7f6a02');
