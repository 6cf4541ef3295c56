# Run with cmake -P: writes OUTPUT, a C file whose array NAME holds the bytes of FILES one after another, and a NUL.
# A file compiled from bytes, rather than .incbin, because every compiler and cache understands it.
#   cmake -DOUTPUT=out.c -DNAME=array -DFILES=a,b -P Embed.cmake
string(REPLACE "," ";" FILES "${FILES}")
set(bytes "")
foreach(file IN LISTS FILES)
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," hex "${hex}")
  string(APPEND bytes "${hex}\n")
endforeach()
file(WRITE "${OUTPUT}" "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}0};\n")
