"""The services that Apprise knows, by the scheme of their addresses (details() of apprise 2.3.0; tested against it).

A list, so that the stack needs no package of a hundred services to tell a typing error.
"""

from __future__ import annotations

# https stands for those services that Apprise tells by their host.
SCHEMES = """
https 46elks acs amqp amqps apprise apprises aprs atalk awswhatsapp azure bale bark barks betterstack bluesky
brevo bsky bulksms bulkvs burstsms chanify clickatell clicksend cliq cm d7sms dapnet deltachat deltachats
dingtalk discord dot eight00com elks emby embys enigma2 enigma2s evolution evolutions exotel fcm feishu
firehydrant flock flowtriq flowtriqs fluxer fluxers form forms freemobile gchat github goalert goalerts gorush
gorushs gotify gotifys groundmail groupme guilded gupshup hassio hassios httpsms humhub humhubs ifttt ilert
incidentio infobip instagram irc ircs jellyfin jellyfins jira join json jsons kakao kakaotalk kaleyra kavenegar
klr kodi kodis kook kudosity kumulos lametric lametrics lark lauther lfg line mailersend mailgun mailto mailtos
mastodon mastodons matrix matrixs misskey misskeys mmost mmosts mobilemessage mobilemsg msg91 msgbird ncloud
nclouds nctalk nctalks nexmo nostr notica noticas notifiarr notifico notificos notifyapp notifyre ntfy ntfys
o365 octopush onebot onebots onesignal opsgenie opsimate opsimates pagerduty pagertree parsep parseps pbul
pinglet pinglets pingram pjet pjets plivo postmark pover prowl psafer psafers push pushdeer pushdeers pushed
pushme pushplus pushward pushy qq reddit resend revolt ringc rocket rockets rsyslog ryver schan sendgrid
sendpulse serwersms ses session sessions seven sfr signal signalgrid signals signl4 simplepush sinch slack smsc
smseagle smseagles smsmanager smsmgr smstunnel smtp2go sns sogs sparkpost spike splunk spugpush spush squadcast
stackfield strmlabs synology synologys syslog telesign telnyx tgram threema toot toots trigv trigvs tweet twilio
twist twitter vapid viber victorops voipms vonage webex wechat wecom wecombot whapi whatsapp workflow workflows
wpush wxpusher wxteams x xbmc xbmcs xmatters xml xmls youlmk zalo zcliq zohocliq zoom zulip
"""
# Those that speak plain HTTP to the host in the address, and the same with a final "s" over TLS.
PLAIN = """
amqp apprise bark deltachat emby enigma2 evolution flowtriq fluxer form goalert gorush gotify hassio humhub irc
jellyfin json kodi lametric mastodon matrix misskey mmost ncloud nctalk notica notifico ntfy onebot opsimate
parsep pinglet pjet psafer pushdeer rocket session signal smseagle synology toot trigv xbmc xml
"""
ALERT_SCHEMES = frozenset(SCHEMES.split())
IN_CLEAR = frozenset(PLAIN.split())
