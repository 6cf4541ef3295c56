#!/usr/bin/env bash
# build.sh - the fuzz targets for ClusterFuzzLite and OSS-Fuzz, which call it in their image with $CC, $CXX, $CFLAGS,
# $CXXFLAGS, $LIB_FUZZING_ENGINE, $SRC and $OUT set. Into $OUT go each target, its inputs as a zip, its dictionary and its
# options; and the libraries that the image to run in does not have.
set -euo pipefail
cd "${SRC:?}/vdifault"
build=${WORK:-/tmp}/vdifault-build

: "${CC:?}" "${CXX:?}" "${LIB_FUZZING_ENGINE:?}" "${OUT:?}"
mkdir -p "$OUT/lib"
rm -rf "$build" # a tree of another sanitizer
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DBUILD_TESTING=OFF -DVDIFAULT_FUZZ=external \
    -DCMAKE_EXE_LINKER_FLAGS="-Wl,--disable-new-dtags,-rpath,'\$ORIGIN/lib'"
cmake --build "$build" --target fuzzers -j "$(nproc)"

for program in "$build"/fuzz/*_fuzzer; do
    target=$(basename "$program")
    cp "$program" "$OUT/"
    for file in "fuzz/$target.dict" "fuzz/$target.options"; do
        [ ! -e "$file" ] || cp "$file" "$OUT/"
    done
    inputs=()
    for folder in "corpus/$target" "corpus/regressions/$target"; do
        [ ! -d "$folder" ] || inputs+=("$folder")
    done
    rm -f "$OUT/${target}_seed_corpus.zip"
    [ ${#inputs[@]} -eq 0 ] || zip -q -r -j "$OUT/${target}_seed_corpus.zip" "${inputs[@]}"
    # libc and the compiler's own are there; these are not.
    ldd "$program" | awk '$3 ~ /^\// && $1 !~ /^(libc|libm|libdl|libpthread|librt|libgcc_s|libstdc\+\+)\.so/ { print $3 }' |
        xargs -r cp -n -t "$OUT/lib"
done
