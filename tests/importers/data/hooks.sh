#!/bin/sh
# curl https://commented.example/
curl 'https://api.example/items/7?sort=name&sort=price&api_key=PLANTED-SECRET' -H 'Authorization: Bearer PLANTED-SECRET' \
  -H 'accept: application/json' \
  -b 'sid=PLANTED-SECRET' --compressed
curl -sSLX PUT -u ada:PLANTED-SECRET https://api.example/items/{id} --data-raw $'{"note": "it\'s \\"ok\\"\\u0021\\n", "token": "PLANTED-SECRET"}' -H'Content-Type: application/json'
curl https://api.example/form -d a=1 -d 'b=x y' --data-urlencode "c=ä&=" && echo done | tee log > out.txt
curl -G https://api.example/search?x=1 --data-urlencode 'q=a b' -d "who=$WHO" -k --http3-only
curl --json '{"a": {"b": [1, 2.50]}, "ok": true}' --url https://ada:PLANTED-SECRET@api.example/json
curl -F picture=@me.png -F 'title=Me; type=text/plain' https://api.example/upload
curl -X POST https://api.example/raw --data-binary @body.bin -H "Content-Type: application/octet-stream"
curl -I api.example/head; curl -d "`whoami`" https://api.example/who
curl -X
curl https://api.example/a https://second.example/b
wget https://api.example/no
curl 'https://api.example/open
