PRINT "two ";
IMPORT "one.bas"
