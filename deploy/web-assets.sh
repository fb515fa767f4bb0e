#!/bin/sh
# Fetches the locked web packages and lays the files that the pages load into api/static/vendor.
set -eu
cd "$(dirname "$0")/.."

root=$PWD
vendor=api/static/vendor
packages=api/web/node_modules

if command -v npm >/dev/null 2>&1; then
    npm=npm
elif [ -x .venv/bin/npm ]; then
    # The Node in the environment has to be found by npm's own first line, too.
    PATH=$root/.venv/bin:$PATH
    npm=$root/.venv/bin/npm
else
    echo "web-assets: no npm on this machine nor in .venv: run make setup" >&2
    exit 2
fi
(cd api/web && "$npm" ci --no-progress --loglevel=error </dev/null >/dev/null)

# A new folder takes the place of the old one at the end, so that pages never load half of it.
fresh=$vendor.new
rm -rf "$fresh"
mkdir -p "$fresh/htmx" "$fresh/noto-sans-sc/files" "$fresh/swagger-ui"

cp "$packages/htmx.org/dist/htmx.min.js" "$packages/htmx.org/dist/ext/hx-sse.min.js" \
    "$packages/htmx.org/LICENSE" "$fresh/htmx/"

font=$packages/@fontsource/noto-sans-sc
cp "$font/LICENSE" "$fresh/noto-sans-sc/"
for weight in 400 700; do
    # Every browser that the pages support reads woff2, so the woff fallback stays away.
    sed 's/, *url([^)]*\.woff) format([^)]*)//' "$font/$weight.css" >"$fresh/noto-sans-sc/$weight.css"
    cp "$font/files/"*"-$weight-normal.woff2" "$fresh/noto-sans-sc/files/"
done

for file in swagger-ui-bundle.js swagger-ui.css favicon-32x32.png LICENSE NOTICE; do
    cp "$packages/swagger-ui-dist/$file" "$fresh/swagger-ui/"
done

# The maps are not served, so the pointers to them would only fill the log with 404.
for file in "$fresh"/*/*.js "$fresh"/*/*.css; do
    sed -e '/^\/\/# sourceMappingURL=/d' -e 's,/\*# sourceMappingURL=.*\*/$,,' "$file" >"$fresh/.part"
    mv "$fresh/.part" "$file"
done

touch "$fresh/.stamp"
rm -rf "$vendor"
mv "$fresh" "$vendor"
