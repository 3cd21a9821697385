"""Given names that are common in several languages, and are hardly ever an ordinary word.

Names such as Will, Mark, Rose, Grace, May or Christian are left to the entity recogniser: as words
they occur far more often.
"""

from __future__ import annotations

_ENGLISH = """
aaron abigail adam adrian agnes aidan alan albert alex alexander alexandra alfred alice alicia
alison allison amanda amelia amy andrea andrew angela angelina anita ann anna anne annie anthony
antonia arnold arthur ashley audrey barbara barry beatrice becky benjamin bernard beth betty
beverly bob bobby bradley brandon brenda brendan brent brett brian bridget bruce bryan caleb calvin
cameron camille carl carla carmen carol caroline carolyn catherine cecilia charles charlie cheryl
chris christina christine christopher cindy claire clara clarence claudia clayton clifford clint
clinton colin colleen connor craig curtis cynthia dan dana daniel danielle danny darrell darren
dave david deborah debra dennis derek diana diane dominic donald donna doris dorothy douglas duncan
dustin dylan eddie edgar edith edward edwin eileen elaine eleanor elijah elizabeth ella ellen
elliot elsie emily emma eric erica erik erin ernest esther ethan eugene eva evan evelyn felicity
fiona frances francis fred freddie frederick gabriel gareth gary gavin geoff geoffrey george gerald
gilbert gina gladys glenn gloria gordon graham greg gregory gwen hannah harold harriet harry harvey
hazel heather heidi helen henry herbert holly howard hugh ian irene isaac isabel isabella ivan jack
jackie jacob jacqueline jake james jamie jane janet janice jared jasmine jason jeff jeffrey jenna
jennifer jenny jeremy jerome jerry jesse jessica jill jillian jim jimmy joan joanna joanne joe joel
john johnny jonathan joseph joshua joyce juan judith judy julia julian julie justin karen karl kate
katherine kathleen kathryn kathy katie kayla keith kelly kenneth kenny kerry kevin kim kimberly
kirsty kristen kristin kyle larry laura lauren laurence lawrence leah leo leonard leslie lewis liam
lillian lily linda lindsay lindsey lisa lloyd lois lori lorraine louis louise lucas lucy luke lydia
lynn mabel madeleine maggie malcolm marcia marcus margaret maria marian marie marilyn marion
marjorie marlene martha martin marvin mary matthew maureen maurice max megan melanie melissa melvin
michael michelle mike mildred mitchell molly monica morgan muriel nancy naomi natalie nathan
nathaniel neil nicholas nicola nicole nigel noah nora norma norman oliver olivia oscar owen pamela
patricia patrick paul paula pauline peggy penelope peter philip phillip phyllis rachel ralph
raymond rebecca reginald rhonda richard rick ricky rita robert roberta robin rodney roger roland
ron ronald ronnie rosemary ross roy russell ruth ryan sally sam samantha samuel sandra sara sarah
scott sean seth shane shannon sharon sheila shelley sherry shirley sidney simon sophia sophie
stacey stacy stanley stella stephanie stephen steve steven stewart stuart susan suzanne sylvia
tamara tammy tanya tara ted terence teresa theodore theresa thomas tiffany tim timothy tina todd
tom tony tracey tracy travis trevor tyler valerie vanessa vera vernon veronica vicky victor
victoria vincent vivian wallace walter wanda wayne wendy wesley william willie wilma winston yvonne
zachary zoe
"""
_OTHER = """
abdul abdullah adriana agnieszka ahmad ahmed aisha alejandro alessandro alexei ali alina amir amit
ana anastasia andreas andrei andres angelo anja anjali ankit anton antonio anya arjun arun astrid
ayesha beatriz bjorn bogdan boris camila carlos catalina cedric chiara chloe claudio cristina daria
deepak diego dieter dmitri edoardo eduardo ekaterina elena emilia emilio emmanuel enrico enrique
esteban fabio farah fatima federico felipe fernanda fernando francesca francesco francisco francois
franz frida friedrich gabriela georg gerhard giorgio giovanni giulia giuseppe gonzalo greta
guillermo gunther gustavo hans hassan hector heinrich helga henrik henrique hiroshi hussein ibrahim
ignacio igor ilona ines ingrid irina isabelle ismail ivana jacques javier jean jens jerzy jiri joao
johann johannes jorge jose josef juergen jurgen kamal karin karolina katarina katarzyna kazuki
kenji khalid klaus kofi kristina krzysztof kumar lars laszlo leila lena leticia lorenzo luca lucia
luigi luis lukas magdalena magnus mahmoud manuel marcel marcelo marco marek mariana mariano mario
marta mateo matteo matthias maximilian mehmet miguel mikhail mina mohamed mohammad mohammed monika
muhammad mustafa nadia natalia natasha nikhil nikita nikolai nina olga omar pablo paolo pascal
pavel pedro petra philippe pierre piotr pooja pradeep prakash priya rahul raj rajesh rakesh ramon
raul ravi renata ricardo roberto rodrigo rohan rosa sabine salma sandeep sanjay santiago sebastian
sergei sergio shankar shreya silvia simone sofia stefan stefano sunil suresh svetlana swetha
tadeusz takashi tariq tatiana teodor thiago tomas tomasz ulrich umar uwe valentina vijay vikram
vladimir werner wojciech xavier yasmin yosef youssef yuki yuri yusuf zainab zofia
"""

GIVEN = frozenset((_ENGLISH + _OTHER).split())
"""In lower case, without accents."""
