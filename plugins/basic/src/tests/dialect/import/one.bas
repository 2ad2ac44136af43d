PRINT "one ";
IMPORT "two.bas"
