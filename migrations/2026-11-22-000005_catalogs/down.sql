drop table catalogs;
