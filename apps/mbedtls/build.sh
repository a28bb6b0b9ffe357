# SPDX-License-Identifier: ISC
# Mbed TLS's self-test: every cipher, hash and number function it has.
source_package mbedtls
# Its network module wants the sockets' headers.
echo '#undef MBEDTLS_NET_C' >sprat_config.h
export CC=sprat-cc AR=ar
export CFLAGS="-O2 -I$PWD -DMBEDTLS_USER_CONFIG_FILE='<sprat_config.h>'"
make -j"$(nproc)" -C library static
rm -f programs/test/selftest
make -C programs test/selftest
cp programs/test/selftest "$out"
