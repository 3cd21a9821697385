"""Does a text speak to the model that reads it? Signs that it gives orders instead of content.

The signs are of three kinds: markup that only chats and templates have, words that tell a reader to
forget its task, and words that name an answer to give. They are words of eleven languages; whoever
writes with care gets around them, so they lower a confidence and prove nothing.
"""

from __future__ import annotations

import re

VERSION = 1
"""Goes into what a certificate holds for: other signs, other confidences."""

_MARKUP = re.compile(
    r"<\|\w+\|>|<｜\w+|</?\s*text\s*>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|</s>"
    r"|\{\{.{0,80}?\}\}|\{%.{0,80}?%\}"
    r"|^[\s#>*_-]{0,6}(?:system|assistant|human|user|ai|instructions?)\W{0,3}:"
    r"|\{\s*\"(?:label|answer|entities|sentiment|intent|class|role)\"\s*:",
    re.IGNORECASE | re.MULTILINE,
)

_FORGET = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b(?! to\b).{0,40}?"
    r"\b(?:instructions?|prompts?|rules|guidelines?|directives?)\b"
    r"|\b(?:ignore|disregard|forget) (?:all|everything|anything|whatever|what)\b.{0,30}?"
    r"\b(?:above|before|previous|prior|so far|earlier)\b"
    # in other languages: to forget …
    r"|\b(?:(?:ignorier\w*|vergiss|vergesst|missachte\w*)(?! nicht\b)|ignore[zr]?|oublie[zr]?"
    r"|ignora|olvid[ae]|dimentica|esque[çc]a|negeer|vergeet|bortse|glöm|ignoruj|zapomnij"
    r"|игнорируй\w*|забудь\w*|تجاهل\w*)\b"
    # … what came before, or the task
    r".{0,60}?\b(?:anweisung\w*|vorherige\w*|bisherige\w*|regeln|consignes?|pr[ée]c[ée]dente?s?"
    r"|r[èe]gles|instruccion\w*|anteriores|reglas|istruzion\w*|precedenti|instru[çc]\w*|regras"
    r"|instructies|vorige|eerdere|tidigare|instruktion\w*|instrukcj\w*|poprzedni\w*"
    r"|инструкци\w*|предыдущ\w*|التعليمات)"
    r"|忽略.{0,20}(?:指令|指示|说明|提示|要求)|无视.{0,20}(?:指令|指示)"
    r"|(?:指示|命令|指令).{0,12}(?:無視|忘れ)|이전.{0,12}(?:지시|명령).{0,12}무시",
    re.IGNORECASE | re.DOTALL,
)

_ANSWER = re.compile(
    r"\b(?:new|updated|neue|nouvelles?|nuevas?|nuove|novas?|nieuwe) "
    r"(?:instruction|anweisung|consigne|instruccion|istruzion|instru[çc]|instructie)\w*\s*:"
    r"|\b(?:label|classify|categori[sz]e|tag|mark) (?:this|the|that|it|everything|every)\b"
    r".{0,40}?\bas\b"
    r"|\b(?:correct|right|true|only|final|expected|gold) (?:label|answer|class|category|tag)"
    r"\W{0,3}(?:is|=|:)"
    r"|\b(?:answer|reply|respond|output|print|return)\b.{0,20}?\b(?:only|exactly|simply|just|with"
    r" the (?:word|label))\b.{0,6}?[\"“”'`]"
    r"|\byou (?:are|must) (?:now|no longer)\b.{0,40}?\b(?:model|assistant|classifier|labell?er|ai"
    r"|bot|label|answer|mode)\b"
    r"|\b(?:system|admin\w*|developer) (?:prompt|message|override|notice|note)\b"
    r"|\bend of (?:the )?(?:text|document|input|data|task)\b"
    r"|\b(?:note|message|memo|attention) (?:to|for) (?:the )?(?:ai|model|llm|annotator|labell?er"
    r"|classifier|assistant)\b"
    r"|\b(?:antworte|antworten sie|réponds|répondez|responde|respond[ae]|rispondi|antwoord|svara"
    r"|odpowiedz|ответь\w*|отвечай\w*|أجب)\b.{0,30}?(?:\b(?:nur|ausschließlich|uniquement|seulement"
    r"|solo|sólo|solamente|soltanto|apenas|somente|alleen|bara|tylko|только)\b|[\"“”„«'`]|فقط)"
    r"|(?:只|仅|請|请).{0,6}(?:回答|输出|回复)|と(?:だけ)?(?:答え|回答し|出力し)",
    re.IGNORECASE | re.DOTALL,
)

_KINDS = (
    (_MARKUP, "it holds the markup of a chat or of a template"),
    (_FORGET, "it tells its reader to forget what was said before"),
    (_ANSWER, "it tells its reader what to answer"),
)


def orders_in(text: str) -> str | None:
    """Why a text seems to give the model orders, in words without the text; None where none."""
    return next((why for pattern, why in _KINDS if pattern.search(text)), None)
