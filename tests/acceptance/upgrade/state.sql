BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
CREATE TABLE entries (
	path TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	data TEXT NOT NULL, 
	uses_posts BOOLEAN NOT NULL, 
	needs TEXT NOT NULL, 
	PRIMARY KEY (path)
);
INSERT INTO "entries" VALUES('_posts/2026-02-09-tickets.md','56e38338792244f57dcf47e2321f974f','{"id":"tag:ferry.example,2026:tickets","url":"https://ferry.example/news/2026/02/09/tickets.html","title":"Tickets","published":"2026-02-09T00:00:00+00:00","updated":"2026-02-09T00:00:00+00:00","content":"<p>Two crowns.</p>","summary":"Two crowns.","authors":[{"name":"Ada","email":null,"uri":null}],"categories":["News"],"tags":[],"image":null,"enclosures":[],"language":null}',0,'{}');
INSERT INTO "entries" VALUES('_posts/2026-02-05-timetable.md','7f888d9c1b63e207eda44df9c0515cca','{"id":"https://ferry.example/news/2026/02/05/timetable","url":"https://ferry.example/news/2026/02/05/timetable.html","title":"Timetable","published":"2026-02-05T00:00:00+00:00","updated":"2026-03-02T12:00:00+00:00","content":"<p>Eight a day.</p>","summary":"Eight a day.","authors":[{"name":"Ada","email":null,"uri":null}],"categories":["News"],"tags":[],"image":null,"enclosures":[],"language":null}',0,'{}');
INSERT INTO "entries" VALUES('_posts/2026-02-01-first-crossing.md','86d8b0cd25bfd43d71b865a03808e6be','{"id":"https://ferry.example/news/2026/02/01/first-crossing","url":"https://ferry.example/news/2026/02/01/first-crossing.html","title":"First crossing","published":"2026-02-01T00:00:00+00:00","updated":"2026-02-01T00:00:00+00:00","content":"<p>The ferry <em>sails</em>.</p>\n\n<p>Note: every hour</p>","summary":"The ferry sails.","authors":[{"name":"Ada","email":null,"uri":null}],"categories":["News"],"tags":[],"image":null,"enclosures":[],"language":null}',0,'{"_includes/note.html":[32,1772452800000000000]}');
INSERT INTO "entries" VALUES('_posts/2026-02-03-captain-grace.md','01455e488abe2cfdbeb3b8bda51b264e','{"id":"https://ferry.example/news/crew/2026/02/03/old-name","url":"https://ferry.example/news/crew/2026/02/03/captain-grace.html","title":"A new captain","published":"2026-02-03T00:00:00+00:00","updated":"2026-02-03T00:00:00+00:00","content":"<p>Her name is Grace.</p>","summary":"Her name is Grace.","authors":[{"name":"Ada","email":null,"uri":null}],"categories":["News","Crew"],"tags":[],"image":null,"enclosures":[],"language":null}',0,'{}');
CREATE TABLE facts (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "facts" VALUES('run by','47bb3a46d0abce93');
INSERT INTO "facts" VALUES('read with','f8090650c6a1c7c0689c243fa696496f');
INSERT INTO "facts" VALUES('made with','aaf0eb0030679477182a410415327083');
INSERT INTO "facts" VALUES('configured','yes');
INSERT INTO "facts" VALUES('posted','yes');
INSERT INTO "facts" VALUES('posts','5');
INSERT INTO "facts" VALUES('now','2026-03-02T12:00:00+00:00');
INSERT INTO "facts" VALUES('last run','{"started": "2026-03-02T12:00:00+00:00", "seconds": 0.4339138750001439, "summary": "5 posts (1 new, 1 changed, 3 gone); 4 of 4 feeds changed; 12 pings owed"}');
INSERT INTO "facts" VALUES('last failure','');
CREATE TABLE feeds (
	name TEXT NOT NULL, 
	kind TEXT, 
	label TEXT, 
	folded TEXT, 
	dirty BOOLEAN NOT NULL, 
	updated BIGINT, 
	made_of TEXT, 
	standing TEXT, 
	PRIMARY KEY (name)
);
INSERT INTO "feeds" VALUES('category/news','category','News','news',0,1772452800000000,'41ead25ba88e22e65a6096d04fd22e8f','["_posts/2026-02-09-tickets.md","_posts/2026-02-05-timetable.md","_posts/2026-02-03-captain-grace.md","_posts/2026-02-01-first-crossing.md"]');
INSERT INTO "feeds" VALUES('category/crew','category','Crew','crew',0,1770076800000000,'cf92db89819b0eba935f33f503ddc99b','["_posts/2026-02-03-captain-grace.md"]');
INSERT INTO "feeds" VALUES('category/accidents','category','Accidents','accidents',0,1770422400000000,'04a56de55a2c1a2107c9674d39d6a307','[]');
INSERT INTO "feeds" VALUES('all',NULL,NULL,'',0,1772452800000000,'0a770415552cb870ea58a9fc362601f9','["_posts/2026-02-09-tickets.md","_posts/2026-02-05-timetable.md","_posts/2026-02-03-captain-grace.md","_posts/2026-02-01-first-crossing.md"]');
CREATE TABLE files (
	path TEXT NOT NULL, 
	feed TEXT NOT NULL, 
	url TEXT NOT NULL, 
	media_type TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	hubs TEXT NOT NULL, 
	updated BIGINT NOT NULL, 
	disk TEXT NOT NULL, 
	gone BOOLEAN NOT NULL, 
	PRIMARY KEY (path)
);
INSERT INTO "files" VALUES('all.rss','all','https://news.example/feeds/all.rss','application/rss+xml; charset=utf-8','543444c8d28b9d4a948bd27eeb0e191d','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[2409,1772452800000000000]}',0);
INSERT INTO "files" VALUES('all.atom','all','https://news.example/feeds/all.atom','application/atom+xml; charset=utf-8','9af0e904629ff99d77e7d648530cd5fd','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[2520,1772452800000000000]}',0);
INSERT INTO "files" VALUES('all.json','all','https://news.example/feeds/all.json','application/feed+json; charset=utf-8','6fe9639b9bb38d215e2cbe3d9f3ce623','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[1733,1772452800000000000]}',0);
INSERT INTO "files" VALUES('all.html','all','https://news.example/feeds/all.html','text/html; charset=utf-8','bad60d699a82623e69e3057afe6f0464','[]',1772452800000000,'{"":[12488,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/accidents.rss','category/accidents','https://news.example/feeds/category/accidents.rss','application/rss+xml; charset=utf-8','050d89b1c31d90a9d974d19bfc29fcc6','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[779,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/accidents.atom','category/accidents','https://news.example/feeds/category/accidents.atom','application/atom+xml; charset=utf-8','466cd0dcd434b08de2429da1d3e21cb6','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[715,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/accidents.json','category/accidents','https://news.example/feeds/category/accidents.json','application/feed+json; charset=utf-8','fd3ae9d488117c1047651bc0e3e653ed','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[357,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/accidents.html','category/accidents','https://news.example/feeds/category/accidents.html','text/html; charset=utf-8','a8fc4271b39435a1e55d2ec852a37d0b','[]',1772452800000000,'{"":[11650,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/crew.rss','category/crew','https://news.example/feeds/category/crew.rss','application/rss+xml; charset=utf-8','bc0b95209a8b3bdc183fb7b76d4ceccb','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[1206,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/crew.atom','category/crew','https://news.example/feeds/category/crew.atom','application/atom+xml; charset=utf-8','e22d66a6571b230bf0ddb73d29a777b7','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[1183,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/crew.json','category/crew','https://news.example/feeds/category/crew.json','application/feed+json; charset=utf-8','23fd0ef419243d2172795fd3ba78bebf','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[714,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/crew.html','category/crew','https://news.example/feeds/category/crew.html','text/html; charset=utf-8','d19ffde48838a95f599f5abca483b0d8','[]',1772452800000000,'{"":[11785,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/news.rss','category/news','https://news.example/feeds/category/news.rss','application/rss+xml; charset=utf-8','86affd7554340481212f961a0dd9026f','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[2431,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/news.atom','category/news','https://news.example/feeds/category/news.atom','application/atom+xml; charset=utf-8','8423190dcca341ad96b8469ef080ec6d','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[2552,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/news.json','category/news','https://news.example/feeds/category/news.json','application/feed+json; charset=utf-8','59980729332ce576684f93ba601725df','["https://news.example/feeds/hub","http://127.0.0.1:47911/hub"]',1772452800000000,'{"":[1749,1772452800000000000]}',0);
INSERT INTO "files" VALUES('category/news.html','category/news','https://news.example/feeds/category/news.html','text/html; charset=utf-8','ef2a4760cddc95915887343144a06d9e','[]',1772452800000000,'{"":[12625,1772452800000000000]}',0);
INSERT INTO "files" VALUES('index.html','','https://news.example/feeds/index.html','text/html; charset=utf-8','64c3bc1259f41f0ca39a1e5a055ae4c9','[]',1772452800000000,'{"":[15100,1772452800000000000]}',0);
INSERT INTO "files" VALUES('feeds.opml','','https://news.example/feeds/feeds.opml','text/x-opml; charset=utf-8','760f3fbf625dd480e28350b09f7f4c05','[]',1772366400000000,'{"":[781,1772366400000000000]}',0);
CREATE TABLE hubs (
	url TEXT NOT NULL, 
	last_success BIGINT, 
	fetched BIGINT, 
	last_failure BIGINT, 
	error TEXT, 
	PRIMARY KEY (url)
);
INSERT INTO "hubs" VALUES('http://127.0.0.1:47911/hub',1772452800000000,NULL,NULL,NULL);
CREATE TABLE ledger (
	path TEXT NOT NULL, 
	id TEXT NOT NULL, 
	text_digest TEXT NOT NULL, 
	updated BIGINT, 
	gone BIGINT, 
	PRIMARY KEY (path)
);
INSERT INTO "ledger" VALUES('_posts/2026-02-01-first-crossing.md','https://ferry.example/news/2026/02/01/first-crossing','c22db200dc309e04c739ec0ec2569f98',NULL,NULL);
INSERT INTO "ledger" VALUES('_posts/2026-02-05-timetable.md','https://ferry.example/news/2026/02/05/timetable','b684d4031a464ef8e2de23c85617d897',1772452800000000,NULL);
INSERT INTO "ledger" VALUES('_posts/2026-02-07-wrong-news.md','https://ferry.example/accidents/2026/02/07/wrong-news','bab53067ea69f8f8fc0599e7050d04db',NULL,1772452800000000);
INSERT INTO "ledger" VALUES('_posts/2026-02-09-tickets.md','tag:ferry.example,2026:tickets','ad6f6e6c51a3c1bc556a479f96f6e974',NULL,NULL);
INSERT INTO "ledger" VALUES('_posts/2026-02-11-rumour.md','https://ferry.example/news/2026/02/11/rumour','794e0ef8dcb7a2c2191f8378ceebbb30',NULL,NULL);
INSERT INTO "ledger" VALUES('_posts/2027-02-11-next-year.md','https://ferry.example/news/2027/02/11/next-year','880404bf307da94ca8d54dfc4214023c',NULL,NULL);
INSERT INTO "ledger" VALUES('_posts/2026-02-03-captain-grace.md','https://ferry.example/news/crew/2026/02/03/old-name','9311b7ecb8a0cef9e0d1dc026d8cdfa6',NULL,NULL);
CREATE TABLE members (
	feed TEXT NOT NULL, 
	published BIGINT NOT NULL, 
	path TEXT NOT NULL, 
	PRIMARY KEY (feed, published, path)
)
 WITHOUT ROWID

;
INSERT INTO "members" VALUES('all',1769904000000000,'_posts/2026-02-01-first-crossing.md');
INSERT INTO "members" VALUES('all',1770076800000000,'_posts/2026-02-03-captain-grace.md');
INSERT INTO "members" VALUES('all',1770249600000000,'_posts/2026-02-05-timetable.md');
INSERT INTO "members" VALUES('all',1770595200000000,'_posts/2026-02-09-tickets.md');
INSERT INTO "members" VALUES('all',1802304000000000,'_posts/2027-02-11-next-year.md');
INSERT INTO "members" VALUES('category/crew',1770076800000000,'_posts/2026-02-03-captain-grace.md');
INSERT INTO "members" VALUES('category/news',1769904000000000,'_posts/2026-02-01-first-crossing.md');
INSERT INTO "members" VALUES('category/news',1770076800000000,'_posts/2026-02-03-captain-grace.md');
INSERT INTO "members" VALUES('category/news',1770249600000000,'_posts/2026-02-05-timetable.md');
INSERT INTO "members" VALUES('category/news',1770595200000000,'_posts/2026-02-09-tickets.md');
INSERT INTO "members" VALUES('category/news',1802304000000000,'_posts/2027-02-11-next-year.md');
CREATE TABLE owed (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	topic TEXT NOT NULL, 
	variant TEXT NOT NULL, 
	host TEXT NOT NULL, 
	state TEXT NOT NULL, 
	claimer TEXT, 
	expires BIGINT, 
	attempts INTEGER NOT NULL, 
	since BIGINT NOT NULL, 
	due BIGINT NOT NULL, 
	not_before BIGINT NOT NULL, 
	error TEXT, 
	detail TEXT NOT NULL, 
	client TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE posts (
	path TEXT NOT NULL, 
	size BIGINT NOT NULL, 
	mtime_ns BIGINT NOT NULL, 
	settled BOOLEAN NOT NULL, 
	digest TEXT NOT NULL, 
	out BOOLEAN NOT NULL, 
	document_digest TEXT, 
	id TEXT, 
	own_id BOOLEAN, 
	url TEXT, 
	title TEXT, 
	published BIGINT, 
	updated BIGINT, 
	text_digest TEXT, 
	terms TEXT, 
	feeds TEXT, 
	PRIMARY KEY (path)
);
INSERT INTO "posts" VALUES('_posts/2026-02-01-first-crossing.md',111,1772452800000000000,1,'f7a8fb178c401963e97fc9d61ff81eae6c3f25ba',1,'f7a8fb178c401963e97fc9d61ff81eae6c3f25ba','https://ferry.example/news/2026/02/01/first-crossing',0,'https://ferry.example/news/2026/02/01/first-crossing.html','First crossing',1769904000000000,NULL,'c22db200dc309e04c739ec0ec2569f98','[["category","News"],["author","Ada"]]','["all","category/news"]');
INSERT INTO "posts" VALUES('_posts/2026-02-05-timetable.md',57,1772452800000000000,1,'0da2bcfd465c311836a8a257c30814feb3bf0fc8',1,'0da2bcfd465c311836a8a257c30814feb3bf0fc8','https://ferry.example/news/2026/02/05/timetable',0,'https://ferry.example/news/2026/02/05/timetable.html','Timetable',1770249600000000,1772452800000000,'b684d4031a464ef8e2de23c85617d897','[["category","News"],["author","Ada"]]','["all","category/news"]');
INSERT INTO "posts" VALUES('_posts/2026-02-09-tickets.md',91,1772452800000000000,1,'164a599ecdeafa1ca958d6b19289eb04f5a0f8c9',1,'164a599ecdeafa1ca958d6b19289eb04f5a0f8c9','tag:ferry.example,2026:tickets',1,'https://ferry.example/news/2026/02/09/tickets.html','Tickets',1770595200000000,NULL,'ad6f6e6c51a3c1bc556a479f96f6e974','[["category","News"],["author","Ada"]]','["all","category/news"]');
INSERT INTO "posts" VALUES('_posts/2026-02-11-rumour.md',69,1772452800000000000,1,'d6a532c474a14d9cc6390ec8c8b82da9c1b37ec8',0,NULL,'https://ferry.example/news/2026/02/11/rumour',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'[]');
INSERT INTO "posts" VALUES('_posts/2027-02-11-next-year.md',59,1772452800000000000,1,'84817196d31e3c0bbdd168d7cab9135efa8543b6',1,'84817196d31e3c0bbdd168d7cab9135efa8543b6','https://ferry.example/news/2027/02/11/next-year',0,'https://ferry.example/news/2027/02/11/next-year.html','Next year',1802304000000000,NULL,'880404bf307da94ca8d54dfc4214023c','[["category","News"],["author","Ada"]]','["all","category/news"]');
INSERT INTO "posts" VALUES('_posts/2026-02-03-captain-grace.md',73,1772452800000000000,1,'e732d72036967763ef5b4153029c80c5334baebc',1,'e732d72036967763ef5b4153029c80c5334baebc','https://ferry.example/news/crew/2026/02/03/old-name',0,'https://ferry.example/news/crew/2026/02/03/captain-grace.html','A new captain',1770076800000000,NULL,'9311b7ecb8a0cef9e0d1dc026d8cdfa6','[["category","News"],["category","Crew"],["author","Ada"]]','["all","category/news","category/crew"]');
CREATE TABLE problems (
	stage TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	line INTEGER, 
	message TEXT NOT NULL, 
	hint TEXT, 
	fatal BOOLEAN NOT NULL, 
	PRIMARY KEY (stage, subject, position)
);
CREATE TABLE subscriptions (
	topic TEXT NOT NULL, 
	callback TEXT NOT NULL, 
	host TEXT NOT NULL, 
	secret BLOB, 
	since BIGINT NOT NULL, 
	expires BIGINT NOT NULL, 
	delivered TEXT, 
	failures INTEGER NOT NULL, 
	last_success BIGINT, 
	last_failure BIGINT, 
	error TEXT, 
	network TEXT, 
	failing BIGINT, 
	PRIMARY KEY (topic, callback)
);
INSERT INTO "subscriptions" VALUES('https://news.example/feeds/all.atom','http://127.0.0.1:47912/inbox','127.0.0.1',X'6120736563726574',1772366400000000,1773230400000000,'9af0e904629ff99d77e7d648530cd5fd',0,1772452800000000,NULL,NULL,'127.0.0.1',NULL);
CREATE INDEX posts_published ON posts (published, path);
CREATE INDEX posts_id ON posts (id);
CREATE INDEX ledger_gone ON ledger (text_digest) WHERE gone IS NOT NULL;
CREATE UNIQUE INDEX feeds_folded ON feeds (kind, folded);
CREATE INDEX owed_verify ON owed (state, host, client) WHERE kind = 'verify';
CREATE UNIQUE INDEX owed_once ON owed (kind, target, topic, variant) WHERE state != 'claimed';
CREATE INDEX owed_due ON owed (state, due);
CREATE UNIQUE INDEX owed_under_way ON owed (kind, target, topic, variant) WHERE state = 'claimed';
CREATE INDEX subscriptions_network ON subscriptions (network, expires);
CREATE INDEX subscriptions_expires ON subscriptions (expires);
CREATE INDEX subscriptions_host ON subscriptions (host, expires);
COMMIT;
